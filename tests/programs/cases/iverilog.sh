#!/bin/sh
# iverilog: compiles a small processor and its test bench, and simulates many cycles.
# package: iverilog
# uses: fork
prepare()
{
    cat >work.v <<VERILOG
module core(input clk, input reset, input [15:0] word, output reg [15:0] acc, output reg [7:0] pc);
    reg [15:0] file [0:15];
    wire [3:0] op = word[15:12], a = word[11:8], b = word[7:4];
    wire [15:0] x = file[a], y = file[b];
    integer i;
    always @(posedge clk) begin
        if (reset) begin
            pc <= 0;
            acc <= 1;
            for (i = 0; i < 16; i = i + 1) file[i] <= i;
        end else begin
            pc <= pc + 1;
            case (op)
            0: acc <= x + y;
            1: acc <= x - y;
            2: acc <= x & (y | acc);
            3: acc <= x ^ {y[7:0], y[15:8]};
            4: acc <= acc * x[7:0];
            5: acc <= acc << b;
            6: file[a] <= acc;
            7: if (acc[0]) pc <= word[7:0];
            default: acc <= acc + {word[7:0], word[3:0], a};
            endcase
        end
    end
endmodule
VERILOG
    cat >bench.v <<'VERILOG'
module bench;
    reg clk = 0, reset = 1;
    reg [15:0] memory [0:255];
    wire [15:0] acc;
    wire [7:0] pc;
    integer i, sum = 0;
    core core(clk, reset, memory[pc], acc, pc);
    always #5 clk = ~clk;
    initial begin
        for (i = 0; i < 256; i = i + 1) memory[i] = i * 40503 + 977;
        #12 reset = 0;
        for (i = 0; i < 60000; i = i + 1) begin
            @(posedge clk);
            sum = sum + acc;
            if (i % 10000 == 0) $display("%d %h %h %d", i, pc, acc, sum);
        end
        $finish;
    end
    initial begin
        $dumpfile("work.vcd");
        $dumpvars(0, bench);
    end
endmodule
VERILOG
}

work()
{
    run iverilog -g2012 -o work.vvp "$IN/bench.v" "$IN/work.v"
    run vvp work.vvp
    grep -v -A1 '^\$date' work.vcd | sed 1,4d | cksum
    echo 'module wrong(; endmodule' >wrong.v
    run iverilog wrong.v || echo "exit status $?"
}
