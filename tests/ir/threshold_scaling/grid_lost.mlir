// Each connection lies on a grid, but the two steps have no common one of 8 bits.
snn.network @grid_lost dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<7xi1>
  %i = snn.linear %x {weight = dense<[[1.0, 2.0, 3.0, -4.0, 5.0, 6.0, 7.0]]> : tensor<1x7xf32>} : tensor<7xi1> -> tensor<1xf32>
  %y = snn.input "other" limit 1 : tensor<7xi1>
  %j = snn.linear %y {weight = dense<[[1.37, -2.74, 4.11, 5.48, -6.85, 8.22, 9.59]]> : tensor<1x7xf32>}
    : tensor<7xi1> -> tensor<1xf32>
  %s = snn.add %i, %j : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%s) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
