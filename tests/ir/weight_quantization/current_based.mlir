snn.network @current_based dt 1.0e-3 options {weight_bits = "16"} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<[[32767.0], [1000.0]]> : tensor<2x1xf32>, bias = dense<[0.0, 2.5]> : tensor<2xf64>}
    : tensor<1xi1> -> tensor<2xf32>
  %z = snn.cuba_lif "neuron"(%i) integrator exponential reset value compare greater_equal {
    tau_syn = dense<0.005> : tensor<2xf64>, tau_mem = dense<[0.02, 0.001]> : tensor<2xf64>,
    w_in = dense<1.0> : tensor<2xf64>, r = dense<1.0> : tensor<2xf64>, v_leak = dense<0.0> : tensor<2xf64>,
    v_threshold = dense<65534.0> : tensor<2xf64>, v_reset = dense<-100.0> : tensor<2xf64>}
    : tensor<2xf32> -> tensor<2xi1>
  snn.output "output"(%z) : tensor<2xi1>
}
