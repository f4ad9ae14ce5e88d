snn.network @bounded options {convention = "sinabs", dt = "1e-3", lower_bound.missing = "-1"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %z = snn.threshold "missing"(%i) {threshold = dense<1.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%z) : tensor<1xi1>
}
