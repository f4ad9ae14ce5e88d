// Ternary weights: the largest weight is not worth the step that it would ask for.
snn.network @least_error dt 1.0e-3 options {weight_bits = "2", weight_bits.second = "1"} {
  %x = snn.input "input" limit 1 : tensor<8xi1>
  %i = snn.linear %x {weight = dense<[[0.2031, -0.2117, 0.1903, 0.1834, -0.2243, 0.0137, -0.0239, 0.4507]]> : tensor<1x8xf32>}
    : tensor<8xi1> -> tensor<1xf32>
  %z = snn.neuron "first"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  %j = snn.linear %x {weight = dense<[[0.2031, -0.2117, 0.1903, 0.1834, -0.2243, 0.0137, -0.0239, 0.4507]]> : tensor<1x8xf32>}
    : tensor<8xi1> -> tensor<1xf32>
  %y = snn.neuron "second"(%j) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
  snn.output "other_output"(%y) : tensor<1xi1>
}
