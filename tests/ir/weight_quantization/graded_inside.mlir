snn.network @graded dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[127.0, -63.5]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %v = snn.neuron "filter"(%i) integrator euler : tensor<1xf32> -> tensor<1xf32>
    membrane factor dense<0.1> : tensor<1xf64> rest dense<0.0> : tensor<1xf64> gain dense<1.0> : tensor<1xf64>
    scaled dense<254.0> : tensor<1xf64>
  %a = snn.linear %v {weight = dense<[[127.0]]> : tensor<1x1xf32>} : tensor<1xf32> -> tensor<1xf32>
  %b = snn.linear %x {weight = dense<[[20.0, 10.0]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %s = snn.add %a, %b : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
  %z = snn.neuron "out"(%s) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane factor dense<0.1> : tensor<1xf64> rest dense<0.0> : tensor<1xf64> gain dense<1.0> : tensor<1xf64>
    fire greater dense<254.0> : tensor<1xf64> reset subtract
    scaled dense<254.0> : tensor<1xf64>
  snn.output "output"(%z) : tensor<1xi1>
}
