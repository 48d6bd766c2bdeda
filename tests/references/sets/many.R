# Many completed sets of the same data by mice's 2l.pan, pooled: what sf.impute is held against.
# Run in this folder after fit.R: Rscript many.R   (a few minutes; writes many.csv)
suppressMessages({library(mice); library(lme4); library(broom.mixed)})
options(digits = 17)
d <- read.csv("sets.csv"); d <- d[d$.imp == 0, c("g", "z", "x", "y")]
pred <- make.predictorMatrix(d); pred[, "g"] <- -2; pred["g", ] <- 0
meth <- c(g = "", z = "", x = "2l.pan", y = "2l.pan")
imp <- mice(d, m = 300, maxit = 5, method = meth, predictorMatrix = pred, paniter = 200, seed = 2,
            printFlag = FALSE)
p <- pool(with(imp, suppressMessages(lmer(y ~ x + z + (1 | g)))))$pooled
write.csv(data.frame(term = p$term, m = p$m, estimate = p$estimate, ubar = p$ubar, b = p$b, t = p$t,
                     df = p$df, fmi = p$fmi), "many.csv", row.names = FALSE)
