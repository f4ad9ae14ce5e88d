// Neurons that share a convolution's weights may differ in r: the rest moves into their potentials.
snn.network @n dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1x1x2xi1>
  %a = snn.conv2d %x pool [1, 1] stride [1, 1] padding [0, 0] dilation [1, 1] groups 1
    {weight = dense<0.5> : tensor<1x1x1x1xf32>} : tensor<1x1x2xi1> -> tensor<1x1x2xf32>
  %z = snn.neuron "out"(%a) integrator euler : tensor<1x1x2xf32> -> tensor<1x1x2xi1>
    membrane gain dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf64>
    fire greater dense<1.0> : tensor<1x1x2xf64> reset subtract
  snn.output "output"(%z) : tensor<1x1x2xi1>
}
