// Of four connections from one source, a matrix that is zero, two equal ones and a diagonal, one scale is left.
snn.network @n dt 1.0e-3 options {level = "2"} {
  %x = snn.input "input" limit 1 : tensor<3xi1>
  %zero = snn.linear %x {weight = dense<0.0> : tensor<3x3xf32>} : tensor<3xi1> -> tensor<3xf32>
  %one = snn.scale %x {scale = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : tensor<3xi1> -> tensor<3xf32>
  %two = snn.scale %x {scale = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>} : tensor<3xi1> -> tensor<3xf32>
  %diagonal = snn.linear %x {weight = dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]> : tensor<3x3xf32>}
    : tensor<3xi1> -> tensor<3xf32>
  %a = snn.add %zero, %one, %two, %diagonal : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32> -> tensor<3xf32>
  %z = snn.if "out"(%a) integrator euler reset subtract compare greater {r = dense<1.0> : tensor<3xf64>,
    v_threshold = dense<1.0> : tensor<3xf64>, v_reset = dense<0.0> : tensor<3xf64>} : tensor<3xf32> -> tensor<3xi1>
  snn.output "output"(%z) : tensor<3xi1>
}
