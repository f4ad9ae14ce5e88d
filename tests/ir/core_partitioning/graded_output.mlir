qsnn.network @graded dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<2xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<[[1, 2]]> : tensor<1x2xi8>} : tensor<2xi1> -> tensor<1xi32>
  %v = qsnn.neuron "readout"(%in << 10) start 1 : tensor<1xi32> -> tensor<1xi32>
    membrane decay dense<3865470566> : tensor<1xi64> offset dense<0> : tensor<1xi32>
    readout dense<256> : tensor<1xi64> fraction 8
    scale dense<2.0> : tensor<1xf64>
  qsnn.output "output"(%v) : tensor<1xi32>
}
