snn.network @doc dt 1.0e-3 options {weight_percentile = "100"} {
  %x = snn.input "input" limit 1 : tensor<3xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25, 0.3]]> : tensor<1x3xf32>} : tensor<3xi1> -> tensor<1xf32>
  %z = snn.lif "neuron"(%i) integrator euler reset subtract compare greater {tau = dense<0.01> : tensor<1xf64>,
    r = dense<1.0> : tensor<1xf64>, v_leak = dense<0.0> : tensor<1xf64>, v_threshold = dense<1.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
