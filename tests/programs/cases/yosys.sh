#!/bin/sh
# yosys: reads Verilog, synthesises a small processor to gates, and shows what it counts.
# package: yosys
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
}

work()
{
    run yosys -q -p "read_verilog $IN/work.v; synth -top core; tee -o count stat;
        write_verilog -noattr gates.v; write_json gates.json"
    sed -n '/cells/,$p' count
    grep -v '^/\*' gates.v | cksum
    run yosys -q -p "read_verilog $IN/missing.v" || echo "exit status $?"
}
