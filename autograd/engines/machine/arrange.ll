; Finds an order of a program's instructions in which equal operations stand together, so that the
; interpreter rarely has to switch: from the instructions that are ready (whose operands are computed)
; always those of the kind of which most are ready, until none of that kind is left.
;
; All arrays are of i32 but %sizes, whose i64s are: the number of instructions, the number of operands
; of all of them together, the first instruction's slot, the number of kinds. An edge is an operand of
; an instruction; edges are numbered in the order of the instructions. -1 ends a list or a stack.
;
; By instruction:  %kinds    its opcode
;                  %users    its first user: an edge whose operand it computes, the head of a list
;                  %waiting  how many of its operands are not computed yet
;                  %belows   what lies below it on the stack of its kind
;                  %order    the result: which instruction is executed first, second, ...
; By edge:         %owners   the instruction whose operand it is
;                  %operands the operand's slot
;                  %nexts    the next edge with the same operand
; By kind:         %tops     the stack of the instructions that are ready: its top
;                  %heights  how many they are

; Push instruction %i, which is ready, on the stack of its kind.
define private void @push.ready(i32 %i, ptr %kinds, ptr %tops, ptr %belows, ptr %heights) {
  %kind.at = getelementptr i32, ptr %kinds, i32 %i
  %kind = load i32, ptr %kind.at
  %top.at = getelementptr i32, ptr %tops, i32 %kind
  %top = load i32, ptr %top.at
  %below.at = getelementptr i32, ptr %belows, i32 %i
  store i32 %top, ptr %below.at
  store i32 %i, ptr %top.at
  %height.at = getelementptr i32, ptr %heights, i32 %kind
  %height = load i32, ptr %height.at
  %higher = add i32 %height, 1
  store i32 %higher, ptr %height.at
  ret void
}

define void @arrange(ptr noalias %sizes, ptr noalias %kinds, ptr noalias %owners, ptr noalias %operands,
                     ptr noalias %users, ptr noalias %nexts, ptr noalias %waiting,
                     ptr noalias %tops, ptr noalias %belows, ptr noalias %heights, ptr noalias %order) {
entry:
  %size.wide = load i64, ptr %sizes
  %size = trunc i64 %size.wide to i32
  %edges.at = getelementptr i64, ptr %sizes, i64 1
  %edges.wide = load i64, ptr %edges.at
  %edges = trunc i64 %edges.wide to i32
  %first.at = getelementptr i64, ptr %sizes, i64 2
  %first.wide = load i64, ptr %first.at
  %first = trunc i64 %first.wide to i32
  %kind.count.at = getelementptr i64, ptr %sizes, i64 3
  %kind.count.wide = load i64, ptr %kind.count.at
  %kind.count = trunc i64 %kind.count.wide to i32
  br label %linking

linking:  ; for each edge
  %e = phi i32 [ 0, %entry ], [ %e.next, %linked ]
  %linking.more = icmp slt i32 %e, %edges
  br i1 %linking.more, label %edge, label %starting

edge:
  %operand.at = getelementptr i32, ptr %operands, i32 %e
  %operand = load i32, ptr %operand.at
  %source = sub i32 %operand, %first
  %computed = icmp sge i32 %source, 0
  br i1 %computed, label %link, label %linked

link:  ; another instruction computes it: this edge is its user, and its owner waits
  %user.at = getelementptr i32, ptr %users, i32 %source
  %user = load i32, ptr %user.at
  %next.at = getelementptr i32, ptr %nexts, i32 %e
  store i32 %user, ptr %next.at
  store i32 %e, ptr %user.at
  %owner.at = getelementptr i32, ptr %owners, i32 %e
  %owner = load i32, ptr %owner.at
  %waits.at = getelementptr i32, ptr %waiting, i32 %owner
  %waits = load i32, ptr %waits.at
  %waits.more = add i32 %waits, 1
  store i32 %waits.more, ptr %waits.at
  br label %linked

linked:
  %e.next = add i32 %e, 1
  br label %linking

starting:  ; for each instruction: what waits for nothing is ready
  %s = phi i32 [ 0, %linking ], [ %s.next, %started ]
  %starting.more = icmp slt i32 %s, %size
  br i1 %starting.more, label %start, label %choose

start:
  %start.waits.at = getelementptr i32, ptr %waiting, i32 %s
  %start.waits = load i32, ptr %start.waits.at
  %start.ready = icmp eq i32 %start.waits, 0
  br i1 %start.ready, label %start.push, label %started

start.push:
  call void @push.ready(i32 %s, ptr %kinds, ptr %tops, ptr %belows, ptr %heights)
  br label %started

started:
  %s.next = add i32 %s, 1
  br label %starting

choose:  ; the kind of which most are ready
  %done = phi i32 [ 0, %starting ], [ %done.here, %chosen ]
  %finished = icmp sge i32 %done, %size
  br i1 %finished, label %end, label %look

look:
  %k = phi i32 [ 0, %choose ], [ %k.next, %look ]
  %best = phi i32 [ 0, %choose ], [ %best.next, %look ]
  %most = phi i32 [ 0, %choose ], [ %most.next, %look ]
  %k.height.at = getelementptr i32, ptr %heights, i32 %k
  %k.height = load i32, ptr %k.height.at
  %k.better = icmp sgt i32 %k.height, %most
  %best.next = select i1 %k.better, i32 %k, i32 %best
  %most.next = select i1 %k.better, i32 %k.height, i32 %most
  %k.next = add i32 %k, 1
  %k.more = icmp slt i32 %k.next, %kind.count
  br i1 %k.more, label %look, label %chosen

chosen:  ; take instructions of this kind until none is ready
  %done.here = phi i32 [ %done, %look ], [ %done.next, %released ]
  %best.top.at = getelementptr i32, ptr %tops, i32 %best.next
  %i = load i32, ptr %best.top.at
  %is.empty = icmp slt i32 %i, 0
  br i1 %is.empty, label %choose, label %take

take:
  %i.below.at = getelementptr i32, ptr %belows, i32 %i
  %i.below = load i32, ptr %i.below.at
  store i32 %i.below, ptr %best.top.at
  %i.height.at = getelementptr i32, ptr %heights, i32 %best.next
  %i.height = load i32, ptr %i.height.at
  %i.lower = sub i32 %i.height, 1
  store i32 %i.lower, ptr %i.height.at
  %order.at = getelementptr i32, ptr %order, i32 %done.here
  store i32 %i, ptr %order.at
  %done.next = add i32 %done.here, 1
  %i.user.at = getelementptr i32, ptr %users, i32 %i
  %i.user = load i32, ptr %i.user.at
  br label %released

released:  ; for each user of what was taken: it waits for one operand less
  %u = phi i32 [ %i.user, %take ], [ %u.next, %waited ]
  %u.none = icmp slt i32 %u, 0
  br i1 %u.none, label %chosen, label %release

release:
  %u.owner.at = getelementptr i32, ptr %owners, i32 %u
  %u.owner = load i32, ptr %u.owner.at
  %u.waits.at = getelementptr i32, ptr %waiting, i32 %u.owner
  %u.waits = load i32, ptr %u.waits.at
  %u.less = sub i32 %u.waits, 1
  store i32 %u.less, ptr %u.waits.at
  %u.ready = icmp eq i32 %u.less, 0
  br i1 %u.ready, label %ready, label %waited

ready:  ; which may be of the chosen kind again
  call void @push.ready(i32 %u.owner, ptr %kinds, ptr %tops, ptr %belows, ptr %heights)
  br label %waited

waited:
  %u.next.at = getelementptr i32, ptr %nexts, i32 %u
  %u.next = load i32, ptr %u.next.at
  br label %released

end:
  ret void
}
