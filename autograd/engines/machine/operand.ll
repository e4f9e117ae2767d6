; A part of run_loop.ll, and a template as well: loads operand $i, whose slot stands in the code.
  %$block.$i.number = getelementptr i32, ptr %$block.operands, i64 $i
  %$block.$i.slot = load i32, ptr %$block.$i.number
  %$block.$i.index = zext i32 %$block.$i.slot to i64
  %$block.$i.at = getelementptr double, ptr %slots, i64 %$block.$i.index
  %$block.$i = load double, ptr %$block.$i.at
