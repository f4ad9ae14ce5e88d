// Inputs of 255 spikes a tick on the largest weight, against a threshold of twenty of the weight's last bits.
snn.network @coarse dt 1.0e-3 options {weight_bits = "16"} {
  %x = snn.input "input" limit 255 : tensor<1xui8>
  %i = snn.linear %x {weight = dense<[[32767.0]]> : tensor<1x1xf32>} : tensor<1xui8> -> tensor<1xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane factor dense<0.01> : tensor<1xf64> rest dense<0.0> : tensor<1xf64> gain dense<1.0> : tensor<1xf64>
    fire greater dense<20.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
