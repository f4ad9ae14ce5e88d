snn.network @late_reset dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<127.0> : tensor<1x1xf32>} : tensor<1xi1> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane factor dense<0.5> : tensor<1xf64> rest dense<0.0> : tensor<1xf64> gain dense<1.0> : tensor<1xf64>
    fire greater dense<50.0> : tensor<1xf64> reset subtract_late
  snn.output "output"(%z) : tensor<1xi1>
}
