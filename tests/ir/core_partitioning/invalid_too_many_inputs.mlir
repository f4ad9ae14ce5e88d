qsnn.network @wide dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<200000xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<1> : tensor<1x200000xi8>} : tensor<200000xi1> -> tensor<1xi32>
  %z = qsnn.neuron "neuron"(%in << 0) start 1 : tensor<1xi32> -> tensor<1xi1>
    membrane decay dense<4294967296> : tensor<1xi64> offset dense<0> : tensor<1xi32>
    fire dense<5> : tensor<1xi32> reset subtract dense<6> : tensor<1xi32>
    scale dense<2.0> : tensor<1xf64>
  qsnn.output "output"(%z) : tensor<1xi1>
}
