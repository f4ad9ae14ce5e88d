snn.network @late_reset dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<127.0> : tensor<1x1xf32>} : tensor<1xi1> -> tensor<1xf32>
  %z = snn.lif "neuron"(%i) integrator euler reset subtract_late compare greater {tau = dense<0.002> : tensor<1xf64>,
    r = dense<1.0> : tensor<1xf64>, v_leak = dense<0.0> : tensor<1xf64>, v_threshold = dense<50.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
