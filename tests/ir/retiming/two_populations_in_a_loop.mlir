qsnn.network @two dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 : tensor<1xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<1> : tensor<1x1xi8>} : tensor<1xi1> -> tensor<1xi32>
  %late = qsnn.delay %b by 1 : tensor<1xi1>
  %back = qsnn.dense %late bits 8 {weight = dense<2> : tensor<1x1xi8>} : tensor<1xi1> -> tensor<1xi32>
  %sum = qsnn.add %in, %back : tensor<1xi32>, tensor<1xi32> -> tensor<1xi32>
  %a = qsnn.neuron "a"(%sum << 0) : tensor<1xi32> -> tensor<1xi1>
    membrane decay dense<0> : tensor<1xi64> offset dense<0> : tensor<1xi32>
    fire dense<1> : tensor<1xi32> reset value dense<0> : tensor<1xi32>
    scale dense<1.0> : tensor<1xf64>
  %forth = qsnn.dense %a bits 8 {weight = dense<3> : tensor<1x1xi8>} : tensor<1xi1> -> tensor<1xi32>
  %b = qsnn.neuron "b"(%forth << 0) : tensor<1xi32> -> tensor<1xi1>
    membrane decay dense<0> : tensor<1xi64> offset dense<0> : tensor<1xi32>
    fire dense<1> : tensor<1xi32> reset value dense<0> : tensor<1xi32>
    scale dense<1.0> : tensor<1xf64>
  qsnn.output "output"(%b) : tensor<1xi1>
}
