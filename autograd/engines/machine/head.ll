; What every module begins with.
;
; A sine or cosine declared free of memory effects lets LLVM make one call of sincos from a sine and a
; cosine of the same number. Only these two are known to LLVM by their names: others it would rewrite.

declare double @llvm.sqrt.f64(double)
declare double @llvm.fabs.f64(double)
declare double @sin(double) #0
declare double @cos(double) #0
attributes #0 = { nounwind willreturn readnone }
