qsnn.network @convolution dt 1.0 options {} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<2x3x3xi1>
  %i = qsnn.conv2d %x bits 8 pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups 1
    {weight = dense<[[[[1, 2]], [[3, 4]]]]> : tensor<1x2x1x2xi8>} : tensor<2x3x3xi1> -> tensor<1x5x4xi16>
  %z = qsnn.neuron "neuron"(%i << 3) start 1 : tensor<1x5x4xi16> -> tensor<1x5x4xi1>
    membrane decay dense<4294967296> : tensor<1x5x4xi64> offset dense<0> : tensor<1x5x4xi32>
    fire dense<9> : tensor<1x5x4xi32> reset subtract dense<9> : tensor<1x5x4xi32>
    scale dense<2.0> : tensor<1x5x4xf64>
  qsnn.output "output"(%z) : tensor<1x5x4xi1>
}
