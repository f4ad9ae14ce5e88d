snn.network @convolution dt 1.0 options {} {
  %x = snn.input "input" limit 1 : tensor<1x4x4xi1>
  %sums = snn.pool %x window [2, 2] : tensor<1x4x4xi1> -> tensor<1x2x2xf32>
  %i = snn.conv2d %sums pool [1, 1] stride [1, 1] padding [0, 0] dilation [1, 1] groups 1
    {weight = dense<1.0> : tensor<1x1x2x2xf32>} : tensor<1x2x2xf32> -> tensor<1x1x1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1x1x1xf32> -> tensor<1x1x1xi1>
    membrane gain dense<1.0> : tensor<1x1x1xf64>
    fire greater dense<1.0> : tensor<1x1x1xf64> reset subtract
  snn.output "output"(%z) : tensor<1x1x1xi1>
}
