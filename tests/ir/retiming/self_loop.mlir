qsnn.network @loop dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 : tensor<2xi1>
  %a = qsnn.dense %x bits 8 {weight = dense<[[127, -64]]> : tensor<1x2xi8>} : tensor<2xi1> -> tensor<1xi32>
  %late = qsnn.delay %z by 1 : tensor<1xi1>
  %b = qsnn.dense %late bits 8 {weight = dense<[[5]]> : tensor<1x1xi8>} : tensor<1xi1> -> tensor<1xi32>
  %sum = qsnn.add %a, %b : tensor<1xi32>, tensor<1xi32> -> tensor<1xi32>
  %z = qsnn.neuron "neuron"(%sum << 10) : tensor<1xi32> -> tensor<1xi1>
    membrane decay dense<3865470566> : tensor<1xi64> offset dense<0> : tensor<1xi32>
    fire dense<2600960> : tensor<1xi32> reset subtract dense<2600960> : tensor<1xi32>
    scale dense<2600960.0> : tensor<1xf64>
  qsnn.output "output"(%z) : tensor<1xi1>
}
