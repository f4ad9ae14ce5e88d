qsnn.network @bounded dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<2xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<[[1, 2], [3, -4]]> : tensor<2x2xi8>} : tensor<2xi1> -> tensor<2xi32>
  %z = qsnn.neuron "neuron"(%in << 10) start 1 : tensor<2xi32> -> tensor<2xi1>
    membrane decay dense<3865470566> : tensor<2xi64> offset dense<0> : tensor<2xi32>
    fire dense<5> : tensor<2xi32> reset subtract dense<6> : tensor<2xi32>
    bound dense<[-7, -8]> : tensor<2xi32>
    scale dense<2.0> : tensor<2xf64>
  qsnn.output "output"(%z) : tensor<2xi1>
}
