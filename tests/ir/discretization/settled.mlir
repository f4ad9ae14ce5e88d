snn.network @settled dt 1.0e-3 options {convention = "snntorch", level = "1"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %z = snn.lif "neuron"(%i) integrator euler reset value compare greater {tau = dense<0.01> : tensor<1xf64>,
    r = dense<10.0> : tensor<1xf64>, v_leak = dense<0.0> : tensor<1xf64>, v_threshold = dense<1.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
