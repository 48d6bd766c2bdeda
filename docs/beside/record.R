# Rscript docs/beside/record.R: the half of docs/beside.md that R's packages in Debian 12 make.
suppressMessages({library(lme4); library(sjPlot); library(ggeffects); library(broom.mixed); library(ggplot2)})
here <- "docs/beside"
d <- read.csv(file.path(here, "pupils.csv"))
d$track <- factor(d$track)
m0 <- lmer(score ~ 1 + (1 | school), d)
m1 <- lmer(score ~ ses + track + (1 | school), d)
m2 <- lmer(score ~ ses * track + (1 | school), d)
page <- tab_model(m0, m1, show.aic = TRUE)$page.content
text <- gsub("&nbsp;", " ", gsub("\\s*\n\\s*", " ", page))
rows <- strsplit(text, "</tr>")[[1]]
cells <- lapply(rows, function(r) {
  found <- regmatches(r, gregexpr("<t[dh][^>]*>.*?</t[dh]>", r, perl = TRUE))[[1]]
  trimws(gsub("<[^>]+>", "", found))
})
for (pair in list(c("&ndash;", "-"), c("&lt;", "<"), c("&#45;", "-"), c("&sigma;", "sigma"), c("&tau;", "tau"))) {
  cells <- lapply(cells, function(cell) gsub(pair[1], pair[2], cell, fixed = TRUE))
}
writeLines(sapply(cells, paste, collapse = " | "), file.path(here, "sjplot_table.txt"))
write.table(as.data.frame(tidy(m1, conf.int = TRUE)), file.path(here, "broom_tidy.txt"), quote = FALSE, row.names = FALSE)
sink(file.path(here, "emmeans_means.txt")); print(emmeans::emmeans(m1, "track", weights = "proportional")); sink()
save <- function(plot, name, h = 3) ggsave(file.path(here, name), plot, width = 6, height = h, dpi = 60, bg = "white")
save(plot_model(m1, show.values = TRUE), "sjplot_forest.png")
save(plot_model(m1, type = "re"), "sjplot_shrinkage.png", 4)
save(plot(ggpredict(m2, c("ses", "track"))), "ggeffects_conditional.png")
sink(file.path(here, "sessionInfo.txt")); print(sessionInfo()); sink()
