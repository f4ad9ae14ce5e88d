// A padded convolution behind another one is a matrix, which may be too large.
snn.network @n dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1x80x80xi1>
  %a = snn.conv2d %x pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups 1
    {weight = dense<1.0> : tensor<1x1x3x3xf32>} : tensor<1x80x80xi1> -> tensor<1x80x80xf32>
  %b = snn.conv2d %a pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups 1
    {weight = dense<1.0> : tensor<1x1x3x3xf32>} : tensor<1x80x80xf32> -> tensor<1x80x80xf32>
  %z = snn.neuron "out"(%b) integrator euler : tensor<1x80x80xf32> -> tensor<1x80x80xi1>
    membrane gain dense<1.0> : tensor<1x80x80xf64>
    fire greater dense<1.0> : tensor<1x80x80xf64> reset subtract
  snn.output "output"(%z) : tensor<1x80x80xi1>
}
