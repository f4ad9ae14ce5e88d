snn.network @not_asked_for dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[3.4, 5.4]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %z = snn.if "neuron"(%i) integrator euler reset subtract compare greater {r = dense<1.0> : tensor<1xf64>,
    v_threshold = dense<20.0> : tensor<1xf64>, v_reset = dense<0.0> : tensor<1xf64>,
    weight_scale = dense<1.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
