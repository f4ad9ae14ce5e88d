snn.network @doc dt 1.0 options {} {
  %x = snn.input "input" limit 1 : tensor<1x2x5xi1>
  %sums = snn.pool %x window [2, 2] mean : tensor<1x2x5xi1> -> tensor<1x1x2xf32>
  %i = snn.linear %sums {weight = dense<[[4.0, 8.0]]> : tensor<1x2xf32>} : tensor<1x1x2xf32> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
