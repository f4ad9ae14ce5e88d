// One bit holds signs; a pruned weight has none.
snn.network @zeros_lost dt 1.0e-3 options {weight_bits = "1"} {
  %x = snn.input "input" limit 1 : tensor<4xi1>
  %i = snn.linear %x {weight = dense<[[0.5, 0.0, -0.25, 0.0]]> : tensor<1x4xf32>} : tensor<4xi1> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
