; A block of interpreter.ll: the loop over one run of a primitive's operations.
;
; This text is a template: interpreter.py fills in the block's name, the primitive's arity, the loads of
; the operands (%$block.0, %$block.1, ...) and the body, which computes %$block.y of them.

$block:
  %$block.operands = phi ptr [ %operands, %switch ], [ %$block.operands.next, %$block ]
  %$block.result = phi ptr [ %result, %switch ], [ %$block.result.next, %$block ]
  %$block.left = phi i32 [ %count, %switch ], [ %$block.left.next, %$block ]
$loads
$body
  store double %$block.y, ptr %$block.result
  %$block.operands.next = getelementptr i32, ptr %$block.operands, i64 $arity
  %$block.result.next = getelementptr double, ptr %$block.result, i64 1
  %$block.left.next = sub i32 %$block.left, 1
  %$block.more = icmp ne i32 %$block.left.next, 0
  br i1 %$block.more, label %$block, label %switch
