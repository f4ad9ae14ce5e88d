snn.network @settled dt 1.0e-3 options {convention = "snntorch", level = "1"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane factor dense<0.1> : tensor<1xf64> rest dense<0.0> : tensor<1xf64> gain dense<10.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset value to dense<0.0> : tensor<1xf64>
  snn.output "output"(%z) : tensor<1xi1>
}
