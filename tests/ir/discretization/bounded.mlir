snn.network @bounded options {convention = "sinabs", dt = "1e-3", level = "1", lower_bound = "-1", lower_bound.free = "none"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[0.5, -0.25]]> : tensor<1x2xf32>} : tensor<2xi1> -> tensor<1xf32>
  %a = snn.if "bounded"(%i) {r = dense<1.0> : tensor<1xf64>, v_threshold = dense<1.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  %b = snn.if "free"(%i) {r = dense<1.0> : tensor<1xf64>, v_threshold = dense<1.0> : tensor<1xf64>,
    v_reset = dense<0.0> : tensor<1xf64>} : tensor<1xf32> -> tensor<1xi1>
  snn.output "output"(%a) : tensor<1xi1>
  snn.output "other"(%b) : tensor<1xi1>
}
