// A population that only reads itself and the input reaches no output.
snn.network @n dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %a = snn.linear %x {weight = dense<1.0> : tensor<1x1xf32>} : tensor<1xi1> -> tensor<1xf32>
  %b = snn.linear %back {weight = dense<2.0> : tensor<1x1xf32>} : tensor<1xi1> -> tensor<1xf32>
  %sum = snn.add %a, %b : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %dead = snn.neuron "dead"(%sum) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  %back = snn.delay %dead by 1 : tensor<1xi1>
  %z = snn.neuron "alive"(%a) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
