qsnn.network @narrow_convolution dt 1.0 options {level = "s"} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<4x6x6xi1>
  %i = qsnn.conv2d %x bits 4 pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups 1
    {weight = dense<-3> : tensor<16x4x3x3xi8>} : tensor<4x6x6xi1> -> tensor<16x6x6xi16>
  %z = qsnn.neuron "neuron"(%i << 3) start 1 : tensor<16x6x6xi16> -> tensor<16x6x6xi1>
    membrane decay dense<4294967296> : tensor<16x6x6xi64> offset dense<0> : tensor<16x6x6xi32>
    fire dense<9> : tensor<16x6x6xi32> reset subtract dense<9> : tensor<16x6x6xi32>
    scale dense<2.0> : tensor<16x6x6xf64>
  qsnn.output "output"(%z) : tensor<16x6x6xi1>
}
