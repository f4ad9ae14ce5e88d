// Two rows on grids of their own: steps 0.25 and 0.1.
snn.network @grid dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<4xi1>
  %i = snn.linear %x {weight = dense<[[0.75, -0.25, 0.5, 0.0], [0.3, -0.7, 0.1, 0.2]]> : tensor<2x4xf32>}
    : tensor<4xi1> -> tensor<2xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<2xf32> -> tensor<2xi1>
    membrane gain dense<1.0> : tensor<2xf64>
    fire greater dense<1.0> : tensor<2xf64> reset subtract
  snn.output "output"(%z) : tensor<2xi1>
}
