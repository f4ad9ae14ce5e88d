snn.network @graded dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[127.0, -63.5]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %v = snn.li "filter"(%i) integrator euler {tau = dense<0.01> : tensor<1xf64>, r = dense<1.0> : tensor<1xf64>,
    v_leak = dense<0.0> : tensor<1xf64>, weight_scale = dense<254.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xf32>
  %a = snn.linear %v {weight = dense<[[127.0]]> : tensor<1x1xf32>} : tensor<1xf32> -> tensor<1xf32>
  %b = snn.linear %x {weight = dense<[[20.0, 10.0]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %s = snn.add %a, %b : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %z = snn.lif "out"(%s) integrator euler reset subtract compare greater {tau = dense<0.01> : tensor<1xf64>,
    r = dense<1.0> : tensor<1xf64>, v_leak = dense<0.0> : tensor<1xf64>, v_threshold = dense<254.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>, weight_scale = dense<254.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
