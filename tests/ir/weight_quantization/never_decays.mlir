snn.network @never_decays dt 1.0 options {weight_bits = "4"} {
  %x = snn.input "input" limit 3 : tensor<2xui8>
  %i = snn.linear %x {weight = dense<[[7.0, -3.5]]> : tensor<1x2xf32>} : tensor<2xui8> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater_equal dense<14.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
