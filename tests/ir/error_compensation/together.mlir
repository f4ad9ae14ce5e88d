// The case is calibrated on three ticks of spikes, all inputs alike: inputs 0 and 1 always spike together.
snn.network @together dt 1.0e-3 options {weight_rounding = "compensated"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[3.4, 5.4], [-7.0, 2.0]]> : tensor<2x2xf32>} : tensor<2xi1> -> tensor<2xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<2xf32> -> tensor<2xi1>
    membrane gain dense<1.0> : tensor<2xf64>
    fire greater dense<20.0> : tensor<2xf64> reset subtract
    scaled dense<1.0> : tensor<2xf64>
  snn.output "output"(%z) : tensor<2xi1>
}
