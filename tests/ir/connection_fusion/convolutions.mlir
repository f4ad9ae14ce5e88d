// Two convolutions in a row are one of a larger kernel; behind padding they are a matrix.
snn.network @n dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1x1x6xi1>
  %a = snn.conv2d %x pool [1, 1] stride [1, 2] padding [0, 1] dilation [1, 1] groups 1
    {weight = dense<[[[[1.0, 2.0]]]]> : tensor<1x1x1x2xf32>, bias = dense<0.5> : tensor<1xf64>}
    : tensor<1x1x6xi1> -> tensor<1x1x4xf32>
  %b = snn.conv2d %a pool [1, 1] stride [1, 1] padding [0, 0] dilation [1, 1] groups 1
    {weight = dense<[[[[1.0, 3.0]]]]> : tensor<1x1x1x2xf32>} : tensor<1x1x4xf32> -> tensor<1x1x3xf32>
  %y = snn.neuron "whole"(%b) integrator euler : tensor<1x1x3xf32> -> tensor<1x1x3xi1>
    membrane gain dense<1.0> : tensor<1x1x3xf64>
    fire greater dense<1.0> : tensor<1x1x3xf64> reset subtract
  %c = snn.conv2d %a pool [1, 1] stride [1, 2] padding [0, 1, 0, 0] dilation [1, 1] groups 1
    {weight = dense<[[[[1.0, 3.0]]]]> : tensor<1x1x1x2xf32>} : tensor<1x1x4xf32> -> tensor<1x1x2xf32>
  %z = snn.neuron "padded"(%c) integrator euler : tensor<1x1x2xf32> -> tensor<1x1x2xi1>
    membrane gain dense<1.0> : tensor<1x1x2xf64>
    fire greater dense<1.0> : tensor<1x1x2xf64> reset subtract
  snn.output "output"(%y) : tensor<1x1x3xi1>
  snn.output "other"(%z) : tensor<1x1x2xi1>
}
