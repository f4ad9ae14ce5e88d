qsnn.network @float_state dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<2xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>} : tensor<2xi1> -> tensor<2xi16>
  %z = qsnn.neuron "neuron"(%in) start 1 : tensor<2xi16> -> tensor<2xi1>
    current decay dense<0.5> : tensor<2xf32> offset dense<0.0> : tensor<2xf32>
    membrane decay dense<[0.9, 1.0]> : tensor<2xf32> offset dense<[0.25, 0.5]> : tensor<2xf32>
    fire dense<5.5> : tensor<2xf32> reset value dense<0.0> : tensor<2xf32>
    scale dense<2.0> : tensor<2xf64>
  qsnn.output "output"(%z) : tensor<2xi1>
}
