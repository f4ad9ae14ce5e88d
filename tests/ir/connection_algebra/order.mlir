// A scale per element behind a convolution makes a matrix of the two; composed with the last connection first, it does not
// take one of 32 x 32. The other branch is a delayed copy of the first, and stays apart.
snn.network @n dt 1.0e-3 options {level = "2"} {
  %x = snn.input "input" limit 1 : tensor<2x4x4xi1>
  %c = snn.conv2d %x pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups 1 {weight = dense<1.0> : tensor<2x2x3x3xf32>}
    : tensor<2x4x4xi1> -> tensor<2x4x4xf32>
  %s = snn.scale %c {scale = dense<[1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
    1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]> : tensor<32xf32>}
    : tensor<2x4x4xf32> -> tensor<2x4x4xf32>
  %l = snn.linear %s {weight = dense<1.0> : tensor<1x32xf32>} : tensor<2x4x4xf32> -> tensor<1xf32>
  %d = snn.delay %l by 1 : tensor<1xf32>
  %a = snn.add %l, %d : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %z = snn.neuron "out"(%a) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
