snn.network @float_state dt 1.0e-3 options {state = "f32"} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<[[127.0], [-63.5]]> : tensor<2x1xf32>, bias = dense<[0.0, 2.5]> : tensor<2xf64>}
    : tensor<1xi1> -> tensor<2xf32>
  %z = snn.lif "neuron"(%i) integrator euler reset subtract compare greater_equal {
    tau = dense<[0.01, 0.02]> : tensor<2xf64>, r = dense<1.0> : tensor<2xf64>, v_leak = dense<1.0> : tensor<2xf64>,
    v_threshold = dense<254.0> : tensor<2xf64>, v_reset = dense<0.0> : tensor<2xf64>} : tensor<2xf32> -> tensor<2xi1>
  snn.output "output"(%z) : tensor<2xi1>
}
