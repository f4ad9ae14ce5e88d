snn.network @other_dt options {convention = "snntorch", dt = "1e-3", reset = "subtract", reset_delay = "0"} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<1.0> : tensor<1x1xf32>} : tensor<1xi1> -> tensor<1xf32>
  %z = snn.lif "neuron"(%i) {tau = dense<0.01> : tensor<1xf64>, r = dense<100.0> : tensor<1xf64>,
    v_leak = dense<0.0> : tensor<1xf64>, v_threshold = dense<1.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
