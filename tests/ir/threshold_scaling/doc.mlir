snn.network @doc dt 1.0e-3 options {weight_percentile = "100"} {
  %x = snn.input "input" limit 1 : tensor<3xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25, 0.3]]> : tensor<1x3xf32>} : tensor<3xi1> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane factor dense<0.1> : tensor<1xf64> rest dense<0.0> : tensor<1xf64> gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
