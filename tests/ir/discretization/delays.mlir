// Seconds become ticks; elements that are late by different times become delays of their own.
snn.network @n options {dt = "1e-3", convention = "norse"} {
  %x = snn.input "input" limit 1 : tensor<3xi1>
  %d = snn.delay %x by 0 {seconds = dense<[1.0e-3, 2.4e-3, 1.0e-3]> : tensor<3xf64>} : tensor<3xi1>
  %a = snn.scale %d {scale = dense<1.0> : tensor<3xf32>} : tensor<3xi1> -> tensor<3xf32>
  %z = snn.threshold "out"(%a) {threshold = dense<0.5> : tensor<3xf64>} : tensor<3xf32> -> tensor<3xi1>
  %e = snn.delay %z by 0 {seconds = dense<5.0e-3> : tensor<3xf64>} : tensor<3xi1>
  snn.output "output"(%e) : tensor<3xi1>
}
