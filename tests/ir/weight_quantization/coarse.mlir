// Inputs of 255 spikes a tick on the largest weight, against a threshold of twenty of the weight's last bits.
snn.network @coarse dt 1.0e-3 options {weight_bits = "16"} {
  %x = snn.input "input" limit 255 : tensor<1xui8>
  %i = snn.linear %x {weight = dense<[[32767.0]]> : tensor<1x1xf32>} : tensor<1xui8> -> tensor<1xf32>
  %z = snn.lif "neuron"(%i) integrator euler reset subtract compare greater {
    tau = dense<0.1> : tensor<1xf64>, r = dense<1.0> : tensor<1xf64>, v_leak = dense<0.0> : tensor<1xf64>,
    v_threshold = dense<20.0> : tensor<1xf64>, v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
