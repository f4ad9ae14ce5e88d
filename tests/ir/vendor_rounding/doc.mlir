qsnn.network @biases dt 1.0e-3 options {vendor = "true"} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<2xi1>
  %a = qsnn.dense %x bits 8 {weight = dense<[[127, -64]]> : tensor<1x2xi8>} : tensor<2xi1> -> tensor<1xi32>
  %i = qsnn.neuron "current"(%a) start 1 : tensor<1xi32> -> tensor<1xi1>
    current decay dense<0.75> : tensor<1xf32> offset dense<12.3> : tensor<1xf32>
    membrane decay dense<0.9> : tensor<1xf32> offset dense<0.0> : tensor<1xf32>
    fire dense<40.0> : tensor<1xf32> reset value dense<0.0> : tensor<1xf32>
    scale dense<40.0> : tensor<1xf64>
  %b = qsnn.dense %i bits 8 {weight = dense<[[5]]> : tensor<1x1xi8>} : tensor<1xi1> -> tensor<1xi32>
  %z = qsnn.neuron "late"(%b) start 2 : tensor<1xi32> -> tensor<1xi1>
    membrane decay dense<1.0> : tensor<1xf32> offset dense<-0.7> : tensor<1xf32>
    fire dense<8.0> : tensor<1xf32> reset subtract dense<8.0> : tensor<1xf32>
    scale dense<8.0> : tensor<1xf64>
  qsnn.output "output"(%z) : tensor<1xi1>
}
