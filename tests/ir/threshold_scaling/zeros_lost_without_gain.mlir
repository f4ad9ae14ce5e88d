// A neuron with r = 0 takes nothing in, which one bit can't say either.
snn.network @zeros_lost_without_gain dt 1.0e-3 options {weight_bits = "1"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25], [0.5, -0.25]]> : tensor<2x2xf32>} : tensor<2xi1> -> tensor<2xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<2xf32> -> tensor<2xi1>
    membrane gain dense<[1.0, 0.0]> : tensor<2xf64>
    fire greater dense<1.0> : tensor<2xf64> reset subtract
  snn.output "output"(%z) : tensor<2xi1>
}
