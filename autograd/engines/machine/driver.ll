; The loop around a program whose numbers stand in memory, for batches and for sequential loops.
;
; For each i from %begin to %end it
;   1. loads element i of each column into the slots, from slot %first on;
;   2. runs the program, a function @run(slots, code) of the same module;
;   3. stores each output as a result, or adds it to the result;
;   4. loads the next carry into the first slots.
; There is at least one i. %Job is `_Job` in memory.py, which says what the fields hold.

%Job = type {
  ptr,  ;  0 code
  i64,  ;  1 first
  i64,  ;  2 how many columns
  ptr,  ;  3 columns
  ptr,  ;  4 strides
  i64,  ;  5 how many outputs
  ptr,  ;  6 outputs
  ptr,  ;  7 results
  ptr,  ;  8 steps
  i64,  ;  9 adds
  i64,  ; 10 how many numbers the carry has
  ptr   ; 11 carry
}

define void @loop(ptr %slots, ptr %job, i64 %begin, i64 %end) {
entry:
  %code.at = getelementptr %Job, ptr %job, i64 0, i32 0
  %code = load ptr, ptr %code.at
  %first.at = getelementptr %Job, ptr %job, i64 0, i32 1
  %first = load i64, ptr %first.at
  %column.count.at = getelementptr %Job, ptr %job, i64 0, i32 2
  %column.count = load i64, ptr %column.count.at
  %columns.at = getelementptr %Job, ptr %job, i64 0, i32 3
  %columns = load ptr, ptr %columns.at
  %strides.at = getelementptr %Job, ptr %job, i64 0, i32 4
  %strides = load ptr, ptr %strides.at
  %output.count.at = getelementptr %Job, ptr %job, i64 0, i32 5
  %output.count = load i64, ptr %output.count.at
  %outputs.at = getelementptr %Job, ptr %job, i64 0, i32 6
  %outputs = load ptr, ptr %outputs.at
  %results.at = getelementptr %Job, ptr %job, i64 0, i32 7
  %results = load ptr, ptr %results.at
  %steps.at = getelementptr %Job, ptr %job, i64 0, i32 8
  %steps = load ptr, ptr %steps.at
  %adds.at = getelementptr %Job, ptr %job, i64 0, i32 9
  %adds.number = load i64, ptr %adds.at
  %adds = icmp ne i64 %adds.number, 0
  %carry.count.at = getelementptr %Job, ptr %job, i64 0, i32 10
  %carry.count = load i64, ptr %carry.count.at
  %carry.at = getelementptr %Job, ptr %job, i64 0, i32 11
  %carry = load ptr, ptr %carry.at
  br label %sample

sample:
  %i = phi i64 [ %begin, %entry ], [ %i.next, %step ]
  %any.columns = icmp sgt i64 %column.count, 0
  br i1 %any.columns, label %load, label %body

load:  ; slots[first + j] = element i of column j, which may stand at any address
  %j = phi i64 [ 0, %sample ], [ %j.next, %load ]
  %column.at = getelementptr ptr, ptr %columns, i64 %j
  %column = load ptr, ptr %column.at
  %stride.at = getelementptr i64, ptr %strides, i64 %j
  %stride = load i64, ptr %stride.at
  %offset = mul i64 %i, %stride
  %element.at = getelementptr i8, ptr %column, i64 %offset
  %element = load double, ptr %element.at, align 1
  %slot = add i64 %first, %j
  %slot.at = getelementptr double, ptr %slots, i64 %slot
  store double %element, ptr %slot.at
  %j.next = add i64 %j, 1
  %more.columns = icmp slt i64 %j.next, %column.count
  br i1 %more.columns, label %load, label %body

body:
  call void @run(ptr %slots, ptr %code)
  %any.outputs = icmp sgt i64 %output.count, 0
  br i1 %any.outputs, label %store, label %stored

store:  ; the number at results[k] + i * steps[k] becomes output k, or its sum with it
  %k = phi i64 [ 0, %body ], [ %k.next, %store ]
  %output.at = getelementptr i64, ptr %outputs, i64 %k
  %output = load i64, ptr %output.at
  %value.at = getelementptr double, ptr %slots, i64 %output
  %value = load double, ptr %value.at
  %result.at = getelementptr ptr, ptr %results, i64 %k
  %result = load ptr, ptr %result.at
  %step.at = getelementptr i64, ptr %steps, i64 %k
  %step.bytes = load i64, ptr %step.at
  %result.offset = mul i64 %i, %step.bytes
  %place = getelementptr i8, ptr %result, i64 %result.offset
  %old = load double, ptr %place
  %sum = fadd double %old, %value
  %stored.value = select i1 %adds, double %sum, double %value
  store double %stored.value, ptr %place
  %k.next = add i64 %k, 1
  %more.outputs = icmp slt i64 %k.next, %output.count
  br i1 %more.outputs, label %store, label %stored

stored:
  %any.carry = icmp sgt i64 %carry.count, 0
  br i1 %any.carry, label %hand.on, label %step

hand.on:  ; slots[c] = carry[c]
  %c = phi i64 [ 0, %stored ], [ %c.next, %hand.on ]
  %next.at = getelementptr double, ptr %carry, i64 %c
  %next.value = load double, ptr %next.at
  %carried.at = getelementptr double, ptr %slots, i64 %c
  store double %next.value, ptr %carried.at
  %c.next = add i64 %c, 1
  %more.carry = icmp slt i64 %c.next, %carry.count
  br i1 %more.carry, label %hand.on, label %step

step:
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %sample, label %done

done:
  ret void
}
