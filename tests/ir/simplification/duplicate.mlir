snn.network @duplicate options {} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %a = snn.linear %x {weight = dense<1.0> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %b = snn.linear %x {weight = dense<1.0> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %dead = snn.linear %x {weight = dense<2.0> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %sum = snn.add %a, %b : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %z = snn.if "neuron"(%sum) {r = dense<1.0> : tensor<1xf64>, v_threshold = dense<1.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
