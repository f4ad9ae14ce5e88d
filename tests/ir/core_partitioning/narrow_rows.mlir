qsnn.network @narrow_rows dt 1.0e-3 options {level = "2"} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<1000xi1>
  %in = qsnn.dense %x bits 4 {weight = dense<-3> : tensor<200x1000xi8>} : tensor<1000xi1> -> tensor<200xi16>
  %z = qsnn.neuron "neuron"(%in << 2) start 1 : tensor<200xi16> -> tensor<200xi1>
    membrane decay dense<3865470566> : tensor<200xi64> offset dense<0> : tensor<200xi32>
    fire dense<5> : tensor<200xi32> reset subtract dense<6> : tensor<200xi32>
    scale dense<2.0> : tensor<200xf64>
  qsnn.output "output"(%z) : tensor<200xi1>
}
