// A scale beside a convolution of the same spikes is one more weight in its middle tap.
snn.network @n dt 1.0e-3 options {level = "2"} {
  %x = snn.input "input" limit 1 : tensor<2x4x4xi1>
  %s = snn.scale %x {scale = dense<2.0> : tensor<32xf32>} : tensor<2x4x4xi1> -> tensor<2x4x4xf32>
  %c = snn.conv2d %x pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups 1 {weight = dense<1.0> : tensor<2x2x3x3xf32>}
    : tensor<2x4x4xi1> -> tensor<2x4x4xf32>
  %a = snn.add %s, %c : tensor<2x4x4xf32>, tensor<2x4x4xf32> -> tensor<2x4x4xf32>
  %z = snn.neuron "out"(%a) integrator euler : tensor<2x4x4xf32> -> tensor<2x4x4xi1>
    membrane gain dense<1.0> : tensor<32xf64>
    fire greater dense<1.0> : tensor<32xf64> reset subtract
  snn.output "output"(%z) : tensor<2x4x4xi1>
}
