#!/bin/sh
# ocaml: compiles a program to native code and to byte code, and runs both.
# package: ocaml
# uses: fork
prepare()
{
    cat >work.ml <<'OCAML'
module M = Map.Make (String)
type tree = Leaf | Node of tree * int * tree
let rec insert x = function
  | Leaf -> Node (Leaf, x, Leaf)
  | Node (l, y, r) as t ->
    if x < y then Node (insert x l, y, r) else if x > y then Node (l, y, insert x r) else t
let rec sum = function Leaf -> 0 | Node (l, x, r) -> sum l + x + sum r
let () =
  let t = ref Leaf in
  for i = 1 to 60000 do t := insert (i * 7919 mod 65521) !t done;
  Printf.printf "%d\n" (sum !t);
  let m = ref M.empty in
  for i = 1 to 60000 do
    m := M.update (string_of_int (i mod 5003)) (fun v -> Some (i :: Option.value v ~default:[])) !m
  done;
  Printf.printf "%d %d\n" (M.cardinal !m) (M.fold (fun _ v s -> s + List.length v) !m 0);
  let big = Array.init 300 (fun i -> Bytes.make (i * 3000) 'x') in
  Gc.compact ();
  Printf.printf "%d\n" (Array.fold_left (fun s b -> s + Bytes.length b) 0 big);
  exit 6
OCAML
    for n in 1 2 3 4 5 6; do
        echo "module R$n = struct"
        sed 's/^let () =/let run () =/; s/exit 6/()/' work.ml
        echo end
    done >many.ml
}

work()
{
    cp "$IN"/*.ml .
    run ocamlopt -o work work.ml
    run ocamlc -g -o work.byte work.ml
    run ocamlopt -c many.ml
    for program in './work' 'ocamlrun work.byte' 'ocaml work.ml'; do
        status=0
        # shellcheck disable=SC2086   # words are wanted
        run $program || status=$?
        echo "exit status $status"
    done
    echo 'let x : int = "text"' >wrong.ml
    run ocamlc wrong.ml || echo "exit status $?"
}
