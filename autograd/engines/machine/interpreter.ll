; The interpreter: runs a program that is an array of 32-bit integers, the code, over slots in memory.
;
; The code is: the address of the function that calls primitives back (two integers), the first slot to
; compute (two), then runs of equal operations. A run is its opcode, how many operations it has, and the
; slots of their operands; results go to one slot after the other. The opcode 0 ends the code.
;
; This text is a template: interpreter.py writes a block op2, op3, ... for each primitive, and fills in
; $labels, $next_operands and $next_results, which name them all. Each block is a loop over one run: see
; run_loop.ll.

define void @run(ptr %slots, ptr %code) {
entry:
  %callback = load ptr, ptr %code
  %first.at = getelementptr i8, ptr %code, i64 8
  %first = load i64, ptr %first.at
  %first.result = getelementptr double, ptr %slots, i64 %first
  %begin = getelementptr i8, ptr %code, i64 16
  br label %switch

switch:  ; to the block of the next run
  %at = phi ptr [ %begin, %entry ], $next_operands
  %result = phi ptr [ %first.result, %entry ], $next_results
  %opcode = load i32, ptr %at
  %count.at = getelementptr i32, ptr %at, i64 1
  %count = load i32, ptr %count.at
  %operands = getelementptr i32, ptr %at, i64 2
  switch i32 %opcode, label %end [ $labels ]

end:
  ret void

op1:  ; calls back; the count is that of the integers that follow: the primitive's and its operands
  %op1.y = call double %callback(ptr %slots, ptr %operands)
  store double %op1.y, ptr %result
  %op1.operands.next = getelementptr i32, ptr %operands, i32 %count
  %op1.result.next = getelementptr double, ptr %result, i64 1
  br label %switch

