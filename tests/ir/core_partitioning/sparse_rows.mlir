qsnn.network @sparse_rows dt 1.0e-3 options {level = "2"} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<1xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<[[0], [0], [0], [7], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [-5], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [0], [100], [0], [0]]> : tensor<64x1xi8>} : tensor<1xi1> -> tensor<64xi16>
  %z = qsnn.neuron "neuron"(%in << 10) start 1 : tensor<64xi16> -> tensor<64xi1>
    membrane decay dense<3865470566> : tensor<64xi64> offset dense<0> : tensor<64xi32>
    fire dense<5> : tensor<64xi32> reset subtract dense<6> : tensor<64xi32>
    scale dense<2.0> : tensor<64xf64>
  qsnn.output "output"(%z) : tensor<64xi1>
}
